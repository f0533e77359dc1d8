/** The options of a client, and what they make of a request. */
import type { Definition } from '../state/definition.ts';
import type { AnySpace } from '../state/space.ts';
import { ClientError } from './client-error.ts';
import type { ClientTime } from './client-time.ts';
import type { Ask } from './stream.ts';

/** A record, `Headers`, or pairs of names and values. */
export type HeaderValues = NonNullable<ConstructorParameters<typeof Headers>[0]>;

/** How a client follows a space. */
export interface ClientOptions<D extends Definition> {
  /** Where `statusRouter` is mounted, such as `https://desk.example/tandem`, or `/tandem` in a page. */
  readonly url: string | URL;
  /** The name of the space, or what `defineSpace` made: then its definition is the schema. */
  readonly space: string | Pick<AnySpace<D>, 'name' | 'definition'>;
  /**
   * Keys and families, each with the schema of its values. Keys that it does not define are passed over. A value
   * that it refuses is reported, and its key is stale. Default: all keys, with values as JSON has them.
   */
  readonly schema?: D | undefined;
  /**
   * The headers of each request, such as `Authorization`. A function is asked at each connection, so that a token
   * can be renewed. Default none.
   */
  readonly headers?: HeaderValues | (() => HeaderValues | Promise<HeaderValues>) | undefined;
  /** Whether cookies are sent: as for `fetch`. Default `'same-origin'`. */
  readonly credentials?: 'omit' | 'same-origin' | 'include' | undefined;
  /** Closes the client. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The age from which on a proof is stale, ms. The server says once in `keepAliveMs` that the state is current,
   * so this has to be more than twice that. Default 2,500.
   */
  readonly maxStaleMs?: number | undefined;
  /**
   * Called with what goes wrong: once for each loss of the stream, for a value that is refused, for a callback
   * that throws, and for the error that ends the client.
   */
  readonly onError?: ((error: ClientError) => void) | undefined;
  /** Default: that of the page or the process. */
  readonly fetch?: typeof fetch | undefined;
  /** For tests: a `fakeTime()` of `tandem-sync/testing`. Default: the time of the page or the process. */
  readonly time?: ClientTime | undefined;
}

type AnyOptions = ClientOptions<any>;

/** @throws ClientError `INVALID_OPTION` */
export function nameOf({ space, url }: AnyOptions): string {
  const name = typeof space === 'string' ? space : space?.name;
  if (url && name) return name;
  throw new ClientError('INVALID_OPTION', 'expected url and space');
}

/** Makes the way to ask the server, with the headers as of now. */
export function askingOf(options: AnyOptions): () => Promise<Ask> {
  const { url, headers, credentials = 'same-origin' } = options;
  const address = `${String(url).replace(/\/+$/, '')}/spaces/${encodeURIComponent(nameOf(options))}/`;
  // A browser's `fetch` is a method of its window.
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  return async () => {
    try {
      const values = new Headers(typeof headers === 'function' ? await headers() : headers);
      const init = { headers: values, credentials, cache: 'no-store' } as const;
      return (path, signal) => fetch(address + path, { ...init, signal });
    } catch (cause) {
      throw new ClientError('CREDENTIALS_FAILED', '`headers` failed', { retryable: true, cause });
    }
  };
}
