/**
 * A follower's requests to its owner over HTTP: each is one GET on a connection of its own. No redirect is
 * followed, and the body is passed on as it arrives.
 */
import type { IncomingMessage } from 'node:http';
import { TandemError } from '../base/errors.ts';

export interface Answer {
  readonly status: number;
  /** A header; `undefined` where the answer does not have it. */
  header(name: string): string | undefined;
  /**
   * Passes on the body as text, piece by piece, until it ends. Where `take` returns a promise, the next piece
   * waits for it. Rejects when the body breaks, or `take` throws or rejects.
   */
  read(take: (piece: string) => Promise<void> | void): Promise<void>;
  /** Gives up the rest of the body. */
  cancel(): void;
}

/**
 * Resolves with the head of the answer, or rejects when none comes. An aborted `signal` ends the body as
 * well.
 */
export type Ask = (url: string, headers: Record<string, string>, signal: AbortSignal) => Promise<Answer>;

export const ask: Ask = (url, headers, signal) =>
  new Promise((resolve, reject) => {
    // Loaded when it is first needed. An import of `node:http` also loads Node's `fetch`, which takes 15 ms.
    const { get } = url.startsWith('https:')
      ? process.getBuiltinModule('node:https')
      : process.getBuiltinModule('node:http');
    // Without an agent: a stream that does not end would keep a pooled connection from other requests for
    // good.
    const request = get(url, { headers, signal, agent: false });
    request.setNoDelay(true);
    request.on('error', reject);
    request.on('response', (response) => resolve(answerOf(response)));
  });

function answerOf(response: IncomingMessage): Answer {
  response.setEncoding('utf8');
  // `read` finds an error that came before it in `errored`. Without a listener, the error would be thrown.
  response.on('error', () => {});
  return {
    status: response.statusCode ?? 0,
    header: (name) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    read: (take) =>
      new Promise((resolve, reject) => {
        const failed = (error: Error): void => {
          reject(error);
          response.destroy();
        };
        if (response.errored) return failed(response.errored);
        response.on('error', failed);
        response.on('close', () => reject(closed()));
        response.on('end', resolve);
        response.on('data', (piece: string) => {
          try {
            const taking = take(piece);
            if (taking === undefined) return;
            response.pause();
            taking.then(() => response.resume(), failed);
          } catch (error) {
            failed(error as Error);
          }
        });
      }),
    cancel: () => void response.destroy(),
  };
}

function closed(): TandemError {
  return new TandemError('DIRECT_UNAVAILABLE', 'the owner closed the connection');
}
