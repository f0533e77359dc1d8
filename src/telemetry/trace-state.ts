/** The `tracestate` of a trace (https://www.w3.org/TR/trace-context/#tracestate-header), newest member first. */
import type { TraceState as Api } from '@opentelemetry/api';

const MOST_MEMBERS = 32;
const MOST_LENGTH = 512;
const KEY = /^(?:[a-z][_0-9a-z\-*/]{0,255}|[a-z0-9][_0-9a-z\-*/]{0,240}@[a-z][_0-9a-z\-*/]{0,13})$/;
const VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

export class TraceState implements Api {
  readonly #members: ReadonlyMap<string, string>;

  private constructor(members: Iterable<readonly [string, string]>) {
    this.#members = new Map(members);
  }

  /** What cannot be read is left out. */
  static parse(text: string): TraceState {
    if (text.length > MOST_LENGTH) return new TraceState([]);
    const members = text.split(',').flatMap((part) => {
      const [, key = '', value = ''] = /^([^=]*)=(.*)$/.exec(part.trim()) ?? [];
      return KEY.test(key) && VALUE.test(value) ? [[key, value] as const] : [];
    });
    return new TraceState(members.slice(0, MOST_MEMBERS));
  }

  get(key: string): string | undefined {
    return this.#members.get(key);
  }

  /** A member that is set goes to the front. What would be too long is not set. */
  set(key: string, value: string): TraceState {
    const others = [...this.#members].filter(([name]) => name !== key);
    const state = new TraceState([[key, value], ...others]);
    return state.#members.size > MOST_MEMBERS || state.serialize().length > MOST_LENGTH ? this : state;
  }

  unset(key: string): TraceState {
    return new TraceState([...this.#members].filter(([name]) => name !== key));
  }

  serialize(): string {
    return [...this.#members].map(([key, value]) => `${key}=${value}`).join(',');
  }
}
