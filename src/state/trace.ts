/**
 * Where in a trace something happened, as it travels: W3C Trace Context, and nothing of any library.
 *
 * What arrives in a frame is not to be trusted, and never worth a frame: what is not well-formed is left out.
 */

/** A span, as others refer to it. https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>` */
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What a frame says of the trace that it belongs to. */
export interface FrameTrace extends TraceContext {
  /** `traceparent` of other spans that set something that is in the frame. At most `MAX_LINKS`. */
  readonly links?: readonly string[];
}

/** Spans that one frame refers to, at most; the newest of them. */
export const MAX_LINKS = 32;
/** What every vendor has to pass on; a longer one is left out whole. */
const MAX_TRACESTATE_LENGTH = 512;

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
const TRACESTATE = /^[\x20-\x7e]+$/;

export function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && value.length === 55 && TRACEPARENT.test(value);
}

/** What can be sent of a tracestate. */
export function boundedTracestate(value: unknown): { tracestate?: string } {
  const isBounded = typeof value === 'string' && value.length <= MAX_TRACESTATE_LENGTH;
  return isBounded && TRACESTATE.test(value) ? { tracestate: value } : {};
}

/** What is well-formed of what came as the trace of a frame; `undefined` where nothing is. */
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
