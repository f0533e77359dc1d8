/** Findings of the doctor: what was looked at, what it means, and what mends it. Pure. */
import type { Paint, Tone } from './paint.ts';
import { harmless } from './paint.ts';

/** `bad` makes the doctor exit with 1. A `note` is what could not be looked at, or is worth knowing. */
export type Severity = 'good' | 'note' | 'warning' | 'bad';

export interface Finding {
  readonly severity: Severity;
  /** What was looked at, in a word or two. */
  readonly check: string;
  /** The space that it is about; without one, the server. */
  readonly space?: string;
  /** What was found. */
  readonly found: string;
  /** What that leads to. */
  readonly meaning?: string;
  /** A command that mends it, or what to do. */
  readonly remedy?: string;
}

const TONES: Readonly<Record<Severity, Tone>> = {
  good: 'good',
  note: 'quiet',
  warning: 'warning',
  bad: 'bad',
};
const WIDTH = 'warning'.length;

/** A line, and below it what it means and what to do. */
export function findingText(
  { severity, check, space, found, meaning, remedy }: Finding,
  paint: Paint,
): string {
  const about = space === undefined ? check : `${space}: ${check}`;
  const indent = ' '.repeat(WIDTH + 2);
  const lines = [`${paint(TONES[severity], severity.padEnd(WIDTH))}  ${about}: ${harmless(found)}`];
  if (meaning !== undefined) lines.push(`${indent}${harmless(meaning)}`);
  if (remedy !== undefined) lines.push(`${indent}${paint('strong', `mend: ${harmless(remedy)}`)}`);
  return `${lines.join('\n')}\n`;
}

export function isBad({ severity }: Finding): boolean {
  return severity === 'bad';
}

/** `1 bad, 2 warnings, 14 good`. */
export function countText(findings: readonly Finding[]): string {
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const warnings = count('warning');
  return `${count('bad')} bad, ${warnings} warning${warnings === 1 ? '' : 's'}, ${count('good')} good`;
}
