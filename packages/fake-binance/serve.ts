/**
 * The local exchange as a program: `npm run binance -- --help`. Prints its addresses as a JSON object in the first line, and runs until it is
 * stopped. Exits with 2 for wrong options, with 1 for a port that is taken.
 */
import { parseArgs } from 'node:util';
import { stopWithNpm } from '../../connectors/system/process.ts';
import { SeededRandom } from '../../connectors/system/seeded-random.ts';
import { SystemClock } from '../../connectors/system/system-clock.ts';
import { BinanceServer, TEST_KEYS } from './binance-server.ts';
import { ControlServer } from './control-server.ts';
import { MarketWalk } from './prices.ts';
import { WrongOption, listSymbols } from './open-desk.ts';

const HELP = `A Binance USD-M futures exchange on this machine, for tests: signed REST API, user data stream, and a control port.

  npm run binance -- [options]          (npm run -s binance leaves npm's own lines out)

  --port N              the exchange's port; 0, the default, picks a free one
  --control-port N      the control port; 0, the default, picks a free one
  --symbols N|FILE      N markets with a position in each (default 15), or a file: one symbol a line, or a JSON list of
                        symbols and of markets with their positions. 币安人生USDT, 1000PEPEUSDT, BTCUSDC, ETHUSDC and
                        BTCUSDT_261225 are listed besides, without positions
  --key K --secret S    of the one account (default: ${TEST_KEYS.key}, ${TEST_KEYS.secret})
  --market seed:N       marks move by themselves, once a second, the same for the same N; otherwise only when they are set
  --seed N              of made-up candles and of faults by chance (default 1)
  --hedge               the account is in hedge mode
  --fills N             into how many fills a market order is split (default 1)
  --slippage-ticks N    how much worse than the mark the first of them is (default 0)
  --commission ASSET:PRICE  what fees are charged in, and what one is worth, e.g. BNB:600 (default: the market's quote asset)
  --weight-per-minute N the allowance of requests (default 2400)
  --hold-ms N           how long a request without an answer is held before its connection is closed (default 2000)
  --help                this

The first line of output is {"http":"http://127.0.0.1:N","control":"http://127.0.0.1:N"}. It listens on 127.0.0.1 only.

Examples
  npm run binance -- --port 8090 --control-port 8091 --symbols 4
  npm run binance -- --symbols markets.json --market seed:7
  curl -d '{"symbol":"BTCUSDT","price":"67000"}' http://127.0.0.1:8091/mark
  curl -d '{"symbol":"SOLUSDT","fault":"-4131","times":"always"}' http://127.0.0.1:8091/faults
  npx harvestline run snapshots scoring execution clm --venue binanceusdm --demo --venue-url http://127.0.0.1:8090
`;

const MOST_PORT = 65_535;
const MOST_FILLS = 100_000;
const MOST = 999_999_999;

interface Options {
  readonly port: number;
  readonly controlPort: number;
  readonly symbols: string;
  readonly walkSeed: number | null;
  readonly server: Parameters<typeof BinanceServer.start>[0];
}

const options = optionsOf(process.argv.slice(2));
if (typeof options === 'string') {
  const isHelp = options === HELP;
  (isHelp ? process.stdout : process.stderr).write(options);
  process.exitCode = isHelp ? 0 : 2;
} else {
  await serve(options);
}

async function serve({ port, controlPort, symbols, walkSeed, server: given }: Options): Promise<void> {
  const clock = new SystemClock();
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  let server: BinanceServer | undefined;
  let control: ControlServer | undefined;
  try {
    server = await BinanceServer.start({ ...given, port });
    listSymbols(server, symbols);
    const walk = walkSeed === null ? null : new MarketWalk(server.exchange, new SeededRandom(walkSeed));
    control = await ControlServer.start({ server, walk }, controlPort);
    process.stdout.write(`${JSON.stringify({ http: server.url, control: control.url })}\n`);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
    void stopWithNpm(clock, stopping.signal, stop);
    void walk?.run(clock, stopping.signal);
    await new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  } catch (thrown) {
    process.stderr.write(`binance: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exitCode = thrown instanceof WrongOption ? 2 : 1;
  } finally {
    await control?.close();
    await server?.close();
  }
}

/** The options; as text the help, or what is wrong. */
function optionsOf(args: readonly string[]): Options | string {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        hedge: { type: 'boolean' },
        port: text,
        'control-port': text,
        symbols: text,
        key: text,
        secret: text,
        market: text,
        seed: text,
        fills: text,
        'slippage-ticks': text,
        commission: text,
        'weight-per-minute': text,
        'hold-ms': text,
      },
    });
    if (values.help === true) return HELP;
    const number = (name: string, given: string | undefined, fallback: number, most: number): number => {
      if (given === undefined) return fallback;
      if (/^\d{1,9}$/.test(given) && Number(given) <= most) return Number(given);
      throw new WrongOption(`--${name}: ${JSON.stringify(given)} is no whole number from 0 to ${most}`);
    };
    const { key = TEST_KEYS.key, secret = TEST_KEYS.secret } = values;
    return {
      port: number('port', values.port, 0, MOST_PORT),
      controlPort: number('control-port', values['control-port'], 0, MOST_PORT),
      symbols: values.symbols ?? '15',
      walkSeed: walkSeedOf(values.market),
      server: {
        keys: { key, secret },
        hedge: values.hedge ?? false,
        seed: number('seed', values.seed, 1, MOST),
        fills: Math.max(1, number('fills', values.fills, 1, MOST_FILLS)),
        slippageTicks: number('slippage-ticks', values['slippage-ticks'], 0, MOST),
        weightPerMinute: number('weight-per-minute', values['weight-per-minute'], 2400, MOST),
        holdMs: number('hold-ms', values['hold-ms'], 2000, MOST),
        ...commissionOf(values.commission),
      },
    };
  } catch (thrown) {
    return `binance: ${thrown instanceof Error ? thrown.message : String(thrown)}\nbinance: --help shows the options\n`;
  }
}

function walkSeedOf(market: string | undefined): number | null {
  if (market === undefined) return null;
  const seed = /^seed:(\d{1,9})$/.exec(market)?.[1];
  if (seed === undefined) throw new WrongOption(`--market: ${JSON.stringify(market)} is not seed:N, such as seed:7`);
  return Number(seed);
}

function commissionOf(given: string | undefined): object {
  if (given === undefined) return {};
  const { asset, price } = /^(?<asset>[A-Z0-9]{2,12}):(?<price>\d+(?:\.\d+)?)$/.exec(given)?.groups ?? {};
  if (asset === undefined || price === undefined || Number(price) === 0) {
    throw new WrongOption(`--commission: ${JSON.stringify(given)} is not ASSET:PRICE, such as BNB:600`);
  }
  return { commissionAsset: asset, commissionAssetPrice: price };
}
