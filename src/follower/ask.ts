/** How a follower asks its owner over HTTP: one GET on a connection of its own, no redirects, the answer as it comes. */
import type { IncomingMessage } from 'node:http';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

export interface Answer {
  readonly status: number;
  /** Hands on the body as text, piece by piece, until it ends. Rejects when it breaks, or `take` throws. */
  read(take: (piece: string) => void): Promise<void>;
  /** Gives up what has not come yet. */
  cancel(): void;
}

/** Resolves with the head of the answer. Rejects when nobody answers; once `signal` is aborted, so does all that goes on. */
export type Ask = (url: string, headers: Record<string, string>, signal: AbortSignal) => Promise<Answer>;

export const ask: Ask = (url, headers, signal) =>
  new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? getSecure : getPlain;
    // No agent: a stream that does not end would keep its connection from others for good.
    const request = get(url, { headers, signal, agent: false });
    request.setNoDelay(true);
    request.on('error', reject);
    request.on('response', (response) => resolve(answerOf(response)));
  });

function answerOf(response: IncomingMessage): Answer {
  response.setEncoding('utf8');
  // What breaks before it is read is told to who reads.
  response.on('error', () => {});
  return {
    status: response.statusCode ?? 0,
    read: (take) =>
      new Promise((resolve, reject) => {
        const failed = (error: Error): void => {
          reject(error);
          response.destroy();
        };
        if (response.errored) return failed(response.errored);
        response.on('error', failed);
        response.on('close', () => reject(new Error('the connection was closed')));
        response.on('end', resolve);
        response.on('data', (piece: string) => {
          try {
            take(piece);
          } catch (error) {
            failed(error as Error);
          }
        });
      }),
    cancel: () => void response.destroy(),
  };
}
