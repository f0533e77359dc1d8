/**
 * Trace context as it travels in a frame: W3C Trace Context, independent of any library.
 *
 * A trace is never a reason to refuse a frame: every malformed part of it is left out.
 */

/** A reference to a span. https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>` */
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The trace that a frame belongs to. */
export interface FrameTrace extends TraceContext {
  /** The `traceparent` of each other span that set something in the frame. At most `MAX_LINKS`. */
  readonly links?: readonly string[];
}

/** The greatest number of spans that one frame refers to. */
export const MAX_LINKS = 32;
/** The length that every vendor must pass on; a longer tracestate is left out whole. */
const MAX_TRACESTATE_LENGTH = 512;

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
const TRACESTATE = /^[\x20-\x7e]+$/;

export function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && value.length === 55 && TRACEPARENT.test(value);
}

/** The tracestate, if it is short and well-formed enough to be sent; else nothing. */
export function boundedTracestate(value: unknown): { tracestate?: string } {
  const isBounded = typeof value === 'string' && value.length <= MAX_TRACESTATE_LENGTH;
  return isBounded && TRACESTATE.test(value) ? { tracestate: value } : {};
}

/** The well-formed parts of a received trace; `undefined` where its `traceparent` is malformed. */
export function readFrameTrace(value: unknown): FrameTrace | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { traceparent, tracestate, links } = value as Record<string, unknown>;
  if (!isTraceparent(traceparent)) return undefined;
  const linked = Array.isArray(links) ? links.slice(0, MAX_LINKS).filter(isTraceparent) : [];
  return {
    traceparent,
    ...boundedTracestate(tracestate),
    ...(linked.length === 0 ? {} : { links: linked }),
  };
}
