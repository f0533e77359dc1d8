/** Keys, as arguments of a command: a key, or a prefix that ends in a slash, with or without a `*`. Pure. */
import { keyProblem } from '../state/key.ts';
import { UsageError } from './console.ts';

export type KeyPattern =
  | { readonly is: 'key'; readonly key: string }
  /** An empty prefix stands for all keys. */
  | { readonly is: 'prefix'; readonly prefix: string };

/** @throws UsageError */
export function keyPatternOf(text: string | undefined): KeyPattern {
  if (text === undefined || text === '*') return { is: 'prefix', prefix: '' };
  const name = text.endsWith('/*') ? text.slice(0, -1) : text;
  const problem = keyProblem(name) ?? (name.includes('*') ? "'*' may only stand behind a slash" : undefined);
  if (problem !== undefined) throw new UsageError(`KEY: ${problem}`);
  return name.endsWith('/') ? { is: 'prefix', prefix: name } : { is: 'key', key: name };
}

/** As `watch` of a participant takes it. */
export function watchable(pattern: KeyPattern): string {
  return pattern.is === 'key' ? pattern.key : `${pattern.prefix}*`;
}

export function isMatched(pattern: KeyPattern, key: string): boolean {
  return pattern.is === 'key' ? key === pattern.key : key.startsWith(pattern.prefix);
}
