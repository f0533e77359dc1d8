/** Colours, where they are wanted; and text that may stand in a terminal. Pure. */
import type { Console } from './console.ts';

export type Tone = 'good' | 'warning' | 'bad' | 'quiet' | 'strong';

/** Select Graphic Rendition: ECMA-48, 8.3.117. */
const CODES: Readonly<Record<Tone, string>> = {
  good: '32',
  warning: '33',
  bad: '31',
  quiet: '2',
  strong: '1',
};

/** Gives a text a tone. */
export type Paint = (tone: Tone, text: string) => string;

/** Colours only on a terminal, and not where `NO_COLOR` is set to anything: https://no-color.org. */
export function paintOf({ isTerminal, environment }: Pick<Console, 'isTerminal' | 'environment'>): Paint {
  const isPlain = !isTerminal || Boolean(environment.NO_COLOR) || environment.TERM === 'dumb';
  return isPlain ? (_, text) => text : (tone, text) => `\x1b[${CODES[tone]}m${text}\x1b[0m`;
}

/**
 * Text of others, such as names and values, without characters that would steer a terminal. They are written
 * as JSON would escape them.
 */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const codes = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    return codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');
  });
}
