/** The tracer: it makes the spans of commits, applied frames and requests, where the application traces. */
import type { Applied, Committed, Committing, ModeChanged } from './observer.ts';
import type { FrameTrace, TraceContext } from '../state/trace.ts';

export interface Tracer {
  /** The active span; `undefined` where there is none, or it is not sampled. Called by each `set`. */
  current(): TraceContext | undefined;
  /**
   * Begins the span of a commit.
   * @param origins the spans that set its changes, oldest first
   */
  commit(commit: Committing, origins: readonly TraceContext[]): CommitSpan | undefined;
  /** Runs `notify`, which calls the watchers of a frame, in the span of applying that frame. */
  apply(frame: Applied, notify: () => void): void;
  /**
   * Runs `answer`, in the application's span of the request, or in a new one where the application has none.
   * Links the span to the one that brought the answer's state here.
   */
  serve(request: Request, answer: () => Promise<unknown>): Promise<void>;
  /** Notes a change of mode, so that what an outage held up can show it. */
  modeChanged(change: ModeChanged): void;
}

export interface CommitSpan {
  /** The trace for the header of the frame. */
  readonly trace: FrameTrace;
  end(commit: Committed): void;
}

/** A request over HTTP. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly scheme: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Known once the request is answered. */
  readonly route: () => string | undefined;
  readonly status: () => number;
  /**
   * The space of the answer, and the revision of its last change; `undefined` where the answer holds no
   * state.
   */
  readonly served: () => { readonly space: string; readonly revision: number } | undefined;
}

/** Makes no spans. */
export const noTracer: Tracer = {
  current: () => undefined,
  commit: () => undefined,
  apply: (_, notify) => notify(),
  serve: async (_, answer) => void (await answer()),
  modeChanged: () => {},
};
