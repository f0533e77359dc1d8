/**
 * The slot of a space in a Cluster. The name of the space is the hash tag of all its keys and of its channel:
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model
 */

export const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;

export function slotOf(space: string): number {
  let crc = 0;
  for (const byte of Buffer.from(space)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? ((crc << 1) ^ POLYNOMIAL) & 0xffff : crc << 1;
  }
  return crc % SLOTS;
}
