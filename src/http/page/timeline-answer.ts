/** The answer of `GET /spaces/:space/timeline`: what the space was like in the last 24 hours, for programs. */
import type { Context } from 'koa';
import { isoTime } from '../../base/time.ts';
import { HEADLINES } from '../headlines.ts';
import type { Span, Timeline } from './timeline.ts';

export function answerTimeline(ctx: Context, space: string, timeline: Timeline, wall: number): void {
  const { outages, since, troubleMs } = timeline.summary(wall);
  ctx.set('Cache-Control', 'no-store');
  ctx.body = {
    space,
    now: isoTime(wall),
    outages,
    outagesSince: since === undefined ? null : isoTime(since),
    troubleMs: Math.round(troubleMs),
    spans: timeline.spans.map((span, n) => inJson(span, timeline.spans[n + 1]?.at)),
  };
}

function inJson({ at, headline, condition, mode, freshness, merged, outages }: Span, until?: number) {
  const { culprit } = HEADLINES[headline];
  return {
    from: isoTime(at),
    until: until === undefined ? null : isoTime(until),
    headline,
    culprit,
    condition,
    mode,
    freshness,
    merged,
    outages,
  };
}
