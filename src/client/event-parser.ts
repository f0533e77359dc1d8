/**
 * The event parser: makes server-sent events of text that arrives in pieces.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

export interface EventParser {
  /** Takes the next piece. Throws what `take` throws. */
  push(piece: string): void;
  /** The pause that the server wants before a client comes back, ms; `undefined` where it did not say. */
  readonly retryMs: number | undefined;
}

/** @param take called with the type of each event, empty where it has none, and its data, once it is whole */
export function eventParser(take: (type: string, data: string) => void): EventParser {
  /** The begin of a line whose end has not come. It grows by joining, and no piece is searched twice. */
  let rest = '';
  /** Whether the last piece ended with a carriage return: a line feed that follows belongs to it. */
  let isAfterReturn = false;
  let type = '';
  let data: string | undefined;

  const takeLine = (line: string): void => {
    if (line === '') {
      const [name, text] = [type, data];
      type = '';
      data = undefined;
      return text === undefined ? undefined : take(name, text);
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') type = value;
    else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'retry') parser.retryMs = Number(value) || parser.retryMs;
  };

  const parser = {
    retryMs: undefined as number | undefined,
    push(piece: string): void {
      if (piece === '') return;
      const lines = (isAfterReturn && piece[0] === '\n' ? piece.slice(1) : piece).split(/\r\n|\r|\n/);
      isAfterReturn = piece.endsWith('\r');
      lines[0] = rest + lines[0]!;
      rest = lines.pop()!;
      lines.forEach(takeLine);
    },
  };
  return parser;
}
