/** A line of JSON. Pure. */
import { harmless } from './paint.ts';

/** What would steer a terminal is escaped, which changes nothing of what the line means. */
export function jsonLine(value: object): string {
  return `${harmless(JSON.stringify(value))}\n`;
}
