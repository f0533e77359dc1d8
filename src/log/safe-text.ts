/**
 * The text of an error for the log, without what an application has put into it. A schema's message may quote
 * the value that it refuses, and whatever a callback throws may hold anything. Listeners for `error` get all
 * of it. The log may go to places where values must not be.
 */
import { InvalidValueError } from '../base/errors.ts';
import type { TandemError } from '../base/errors.ts';
import { safeError } from '../base/node-error.ts';

const MOST_CHARACTERS = 1_000;

export function safeText(error: TandemError): string {
  if (error.code === 'CALLBACK_FAILED') return cut(`${ownText(error)}: ${safeError(error.cause).text}`);
  if (error instanceof InvalidValueError && error.code === 'INVALID_VALUE')
    return cut(`the schema of "${error.key}" refuses its value`);
  return cut(error.message);
}

/** A text of any length, as far as a line takes it. */
export function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`;
}

/** The message up to where it quotes what was thrown. */
function ownText({ message, cause }: TandemError): string {
  const thrown = cause instanceof Error ? cause.message : String(cause);
  const end = `: ${thrown}`;
  if (cause !== undefined && message.endsWith(end)) return message.slice(0, -end.length);
  return 'a callback failed';
}
