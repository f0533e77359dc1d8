/** What the actors and routes know of traces: where they are in one, and what belongs to it. */
import type { Applied, Committed, Committing } from './observer.ts';
import type { FrameTrace, TraceContext } from '../state/trace.ts';

/** Whoever keeps traces in this process. */
export interface Tracer {
  /** Where in a trace the caller is; `undefined` where that trace is not kept. Asked with each set. */
  current(): TraceContext | undefined;
  /** Begins the span of a commit whose changes were set in `origins`. */
  commit(what: Committing, origins: readonly TraceContext[]): CommitSpan | undefined;
  /** Runs what tells users of a frame, in the span of its being applied. */
  apply(what: Applied, tell: () => void): void;
  /**
   * Answers a request, in a span of its own where the application has none; and links its span to the one that brought
   * here what it was answered with.
   */
  serve(request: Request, answer: () => Promise<unknown>): Promise<void>;
}

export interface CommitSpan {
  /** What the frame says of it. */
  readonly trace: FrameTrace;
  end(what: Committed): void;
}

/** A request over HTTP. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly scheme: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Known once it is answered. */
  readonly route: () => string | undefined;
  readonly status: () => number;
  /** What it was answered with: where that was last changed, in which space. */
  readonly served: () => { readonly space: string; readonly revision: number } | undefined;
}

/** Keeps nothing. */
export const noTracer: Tracer = {
  current: () => undefined,
  commit: () => undefined,
  apply: (_, tell) => tell(),
  serve: async (_, answer) => void (await answer()),
};
