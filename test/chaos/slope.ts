/** Fits a line through points by least squares. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The growth of `y` per unit of `x`, and the standard error of that estimate. */
export function slopeOf(points: readonly Point[]): { slope: number; error: number } {
  const { length } = points;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / length;
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (length - 2) / spread) };
}
