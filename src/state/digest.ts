/**
 * Digest: a checksum of a whole state, which owner and follower compare at equal positions. Pure.
 *
 * It is the sum, modulo 2^32, of one hash for each key that holds a value. So it does not depend on the order
 * of the keys, and a change costs the hash of one key. A hash covers key, revision and value as they travel.
 * A delete counts as 0, since a full sync brings no deletes.
 *
 * CRC-32 alone is linear: two values that are swapped between two keys often leave the sum as it was. So the
 * finalizer of MurmurHash3 follows it (https://github.com/aappleby/smhasher, `fmix32`). The digest finds
 * damage and forged changes. It is no signature: a party that may publish can compute it.
 */
import { zlib } from '../base/node.ts';

/** `node:zlib` takes 4 ms and 3 MB to load: an import of this package alone need not pay for it. */
let crc32: ReturnType<typeof zlib>['crc32'] | undefined;

/** 2^32 divided by the golden ratio: it spreads revisions, which differ in their last bits, over all bits. */
const SPREAD = 0x9e3779b1;

/**
 * The part that one key has in a digest, as a 32-bit integer.
 * @param json the value as it travels; empty for a delete
 */
export function hashOf(key: string, revision: number, json: string): number {
  if (json === '') return 0;
  crc32 ??= zlib().crc32;
  return mixed(crc32(json, crc32(key)) ^ Math.imul(revision, SPREAD));
}

function mixed(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
