/**
 * A space as JSON Lines: what `export` writes and `import` reads. Pure.
 *
 *   {"format":"tandem-sync 1","space":"trading","position":"1796040174455-12","keys":2}
 *   {"key":"market_regime","value":{"regime":"bull"}}
 *   {"key":"strategy/a","value":1}
 */
import { keyProblem } from '../state/key.ts';
import { Failure } from './console.ts';

export const DUMP_FORMAT = 'tandem-sync 1';

export interface DumpHeader {
  readonly format: typeof DUMP_FORMAT;
  readonly space: string;
  /** The head of the space that was exported. */
  readonly position: string;
  /** The number of lines that follow. */
  readonly keys: number;
}

export interface Dump {
  readonly header: DumpHeader;
  readonly values: ReadonlyMap<string, unknown>;
}

/** Takes the lines one by one, and refuses the first that is wrong by its number. */
export class DumpReader {
  readonly #check: (key: string, value: unknown) => void;
  readonly #values = new Map<string, unknown>();
  #header: DumpHeader | undefined;
  #number = 0;

  /** @param check throws where the key cannot have the value */
  constructor(check: (key: string, value: unknown) => void) {
    this.#check = check;
  }

  /** @throws Failure */
  take(line: string): void {
    this.#number += 1;
    // An empty line at the end is no line.
    if (line.trim() === '') return;
    const parsed = this.#parsed(line);
    if (this.#header === undefined) this.#header = this.#headerIn(parsed);
    else this.#takeValue(parsed);
  }

  /** @throws Failure where lines are missing */
  end(): Dump {
    if (this.#header === undefined)
      throw new Failure('nothing was piped in: expected what export has printed');
    const { keys } = this.#header;
    if (this.#values.size === keys) return { header: this.#header, values: this.#values };
    throw new Failure(
      `line ${this.#number}: the header promises ${keys} keys, and ${this.#values.size} came: the file is cut off`,
    );
  }

  #parsed(line: string): Readonly<Record<string, unknown>> {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw this.#wrong('it is no JSON');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#wrong('it is no object');
    return value as Record<string, unknown>;
  }

  #headerIn({ format, space, position, keys }: Readonly<Record<string, unknown>>): DumpHeader {
    if (format !== DUMP_FORMAT) throw this.#wrong(`expected a header with "format":"${DUMP_FORMAT}"`);
    const isSound =
      typeof space === 'string' &&
      typeof position === 'string' &&
      Number.isSafeInteger(keys) &&
      Number(keys) >= 0;
    if (!isSound) throw this.#wrong('expected a header with space, position and keys');
    return { format, space, position, keys: Number(keys) };
  }

  #takeValue(line: Readonly<Record<string, unknown>>): void {
    const { key, value } = line;
    if (typeof key !== 'string' || !('value' in line)) throw this.#wrong('expected {"key":…,"value":…}');
    const problem = keyProblem(key) ?? (key.includes('*') ? "it holds a '*'" : undefined);
    if (problem !== undefined) throw this.#wrong(`its key is none: ${problem}`);
    if (this.#values.has(key)) throw this.#wrong(`key "${key}" came before`);
    try {
      this.#check(key, value);
    } catch (error) {
      throw this.#wrong(error instanceof Error ? error.message : 'the value is refused');
    }
    this.#values.set(key, value);
  }

  #wrong(why: string): Failure {
    return new Failure(`line ${this.#number}: ${why}. Nothing was written`);
  }
}

/** The lines of pieces of text, without their line breaks. */
export async function* linesIn(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}
