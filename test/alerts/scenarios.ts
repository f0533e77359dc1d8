/** What breaks, and which alerts fire then: these, and no other. Times are in s from the beginning. */

/** The interval of scrapes and of evaluations, s. */
export const STEP_S = 5;
/** The time at which something breaks, the time at which it is mended, and the end, s. */
export const BREAK_S = 60;
export const MEND_S = 180;
export const END_S = 245;

/** An alert, by its labels but for `alertstate`. */
export type Alert = Readonly<Record<string, string>> & { readonly alertname: string };

export interface Scenario {
  readonly name: string;
  /** The alerts that fire from a time on, until it is mended. */
  readonly from: readonly { readonly at: number; readonly alert: Alert }[];
  /**
   * So long after it is mended nothing fires any more, s. Update latency is a matter of the last minute.
   */
  readonly overAfter: number;
}

const space = { tandem_space: 'trading' };
const trading = { job: 'desk/trading', instance: 'trading-1' };
const api = { job: 'desk/api', instance: 'api-2' };

const redisOut: Alert = { alertname: 'TandemRedisOut', severity: 'critical', ...space };
const noOwner: Alert = { alertname: 'TandemNoOwner', severity: 'critical', ...space };
const vanished = (who: typeof trading): Alert => ({
  alertname: 'TandemVanished',
  severity: 'critical',
  ...who,
});
const stale: Alert = { alertname: 'TandemStale', severity: 'critical', ...space, ...api };
const slow: Alert = { alertname: 'TandemSlow', severity: 'warning', ...space, ...api };

export const SCENARIOS: readonly Scenario[] = [
  { name: 'redis-killed', from: [{ at: BREAK_S + 5, alert: redisOut }], overAfter: 10 },
  { name: 'redis-hung', from: [{ at: BREAK_S + 10, alert: redisOut }], overAfter: 10 },
  {
    name: 'owner-killed',
    from: [
      { at: BREAK_S + 30, alert: noOwner },
      { at: BREAK_S + 55, alert: vanished(trading) },
    ],
    overAfter: 20,
  },
  {
    name: 'owner-paused',
    from: [
      { at: BREAK_S + 30, alert: noOwner },
      { at: BREAK_S + 55, alert: vanished(trading) },
    ],
    overAfter: 20,
  },
  { name: 'follower-killed', from: [{ at: BREAK_S + 55, alert: vanished(api) }], overAfter: 20 },
  {
    name: 'owner-and-redis-killed',
    from: [
      { at: BREAK_S + 35, alert: redisOut },
      { at: BREAK_S + 55, alert: vanished(trading) },
    ],
    overAfter: 20,
  },
  { name: 'one-follower-cut-off', from: [{ at: BREAK_S + 30, alert: stale }], overAfter: 10 },
  { name: 'latency-high', from: [{ at: BREAK_S + 110, alert: slow }], overAfter: 65 },
];
