/** X.509 certificates for brokers and clients of tests (RFC 5280), made without any tool beside Node. */
import { type KeyObject, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

interface CertificateOptions {
  readonly name: string;
  /** The signing certificate; itself where left out. */
  readonly by?: Certificate & { readonly name: string };
  /** Its subject alternative names; 127.0.0.1 and localhost where left out. */
  readonly addresses?: readonly Address[];
  readonly expired?: boolean;
}

type Address = { readonly ip: readonly [number, number, number, number] } | { readonly dns: string };

const HERE: readonly Address[] = [{ ip: [127, 0, 0, 1] }, { dns: 'localhost' }];

/** A key of its own and a certificate, valid from 2020 on. One that signs itself may sign others. */
export function certificate({ name, by, addresses = HERE, expired = false }: CertificateOptions): Certificate & {
  readonly name: string;
} {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const signer: KeyObject = by === undefined ? privateKey : createPrivateKey(by.key);
  const names = addresses.map((one) =>
    'ip' in one ? der(0x87, Buffer.from(one.ip)) : der(0x82, Buffer.from(one.dns)),
  );
  const content = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(
      Buffer.concat([Buffer.from([1]), Buffer.from(publicKey.export({ type: 'spki', format: 'der' })).subarray(-8)]),
    ),
    ECDSA_WITH_SHA256,
    commonName(by?.name ?? name),
    sequence(time('20200101000000Z'), time(expired ? '20210101000000Z' : '20991231235959Z')),
    commonName(name),
    Buffer.from(publicKey.export({ type: 'spki', format: 'der' })),
    der(
      0xa3,
      sequence(
        extension([0x55, 0x1d, 0x13], by === undefined ? sequence(der(0x01, Buffer.from([0xff]))) : sequence()),
        extension([0x55, 0x1d, 0x11], sequence(...names)),
      ),
    ),
  );
  const signature = sign('sha256', content, signer);
  const bytes = sequence(content, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    name,
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

/** ASN.1 in DER: tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function time(text: string): Buffer {
  return der(0x18, Buffer.from(text));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(der(0x06, Buffer.from([0x55, 0x04, 0x03])), der(0x0c, Buffer.from(name)))));
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return sequence(der(0x06, Buffer.from(id)), der(0x04, value));
}

/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])));
