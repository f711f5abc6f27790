import { HarvestlineError } from '../../errors/harvestline-error.ts';

/** `PARTITION:OFFSET[,…]` as offsets by partition. Throws USAGE. */
export function parseOffsets(text: string): ReadonlyMap<number, number> {
  return new Map(
    text.split(',').map((part) => {
      const [, partition, offset] = /^(\d{1,9}):(\d{1,15})$/.exec(part.trim()) ?? [];
      if (partition === undefined || offset === undefined)
        throw new HarvestlineError('USAGE', `${part} is no PARTITION:OFFSET, for example 0:1200,3:950`);
      return [Number(partition), Number(offset)] as const;
    }),
  );
}
