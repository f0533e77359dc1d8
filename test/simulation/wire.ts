/** The network between one host and Redis in both directions, and its faults. */
export class Wire {
  /** The least and the greatest latency of one direction, ms. */
  latency: readonly [number, number] = [0.05, 2];
  /** True while bytes in this direction are held back. */
  isHoleThere = false;
  isHoleBack = false;
  /** The probability that a published message is lost, or delivered twice. */
  lossy = 0;
  repeating = 0;
}
