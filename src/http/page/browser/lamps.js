/** The three lamps: Redis, the owner and this process, each with a word and a reason. */
import { duration } from './words.js';

/** A process whose timers are later than this is slow for its clients too. */
const SLOW_MS = 250;

/** @returns {Record<'redis' | 'owner' | 'us', [tone: string, word: string, detail: string]>} */
export function lampsOf(status, delayMs) {
  return { redis: redisLamp(status), owner: ownerLamp(status), us: ownLamp(status, delayMs) };
}

function redisLamp({ link, mode, reason, role }) {
  if (!link.up) return ['bad', 'out', link.error ?? 'not reached'];
  if (mode === 'connected')
    return ['good', 'well', role === 'owner' ? 'accepts every change' : 'answers, and is followed'];
  return ['warn', mode === 'recovering' ? 'back' : 'answers', reason];
}

function ownerLamp({
  headline,
  link,
  ownerAlive,
  owner,
  ownerName,
  freshness,
  role,
  ownership,
  source,
  head,
}) {
  if (role === 'owner') return [ownerAlive ? 'good' : 'warn', ownership, 'this process'];
  const who = ownerName === null ? '' : `${ownerName}: `;
  const more = role === 'standby' ? '; this process stands by' : '';
  if (!link.up && source !== 'direct')
    return ['warn', 'unheard', `${who}${ownerAlive ? 'its lease still runs; ' : ''}no path to it${more}`];
  if (headline === 'catching-up' && !ownerAlive) return ['warn', 'unheard', `${who}no sign yet${more}`];
  if (owner === 'released')
    return ['warn', 'released', `${who}it stopped, and this is all that it set${more}`];
  if (!ownerAlive)
    return head === '0-0'
      ? ['warn', 'none', 'nobody yet']
      : ['bad', 'gone', `${who}its lease has run out${more}`];
  if (freshness !== 'live') return ['warn', 'alive', `${who}holds its lease, but is silent${more}`];
  return ['good', 'alive', `${who}heard ${source === 'direct' ? 'directly' : 'by way of Redis'}${more}`];
}

function ownLamp({ culprit, mode, freshness, reason }, delayMs) {
  if (culprit === 'us') return ['bad', mode, reason];
  if (delayMs > SLOW_MS) return ['warn', 'slow', `its event loop was blocked for ${duration(delayMs)}`];
  if (freshness !== 'live') return ['warn', 'stale', 'answers with the last known state'];
  return ['good', 'live', mode === 'connected' ? 'state is current' : 'state is current, without Redis'];
}
