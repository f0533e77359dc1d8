/** Everything that a log, a reporter or a debugger can make of a thrown value, as one text. */
import { inspect } from 'node:util';

export function shown(thrown: unknown): string {
  const pieces = [
    inspect(thrown, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null }),
  ];
  const seen = new Set<unknown>();
  for (let error = thrown; error instanceof Error && !seen.has(error); error = error.cause) {
    seen.add(error);
    pieces.push(error.message, error.stack ?? '', String(error), JSON.stringify(error, everyField));
  }
  return pieces.join('\n');
}

/** JSON with the fields of errors that it would leave out. */
function everyField(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return Object.fromEntries(
    Object.getOwnPropertyNames(value)
      .filter((name) => name !== 'cause')
      .map((name) => [name, (value as unknown as Record<string, unknown>)[name]]),
  );
}
