/** A component that shows a value, and says when it is not current. JSX is left out, so that no compiler is needed. */
import { createElement } from 'react';
import { follow } from 'tandem-sync/client';
import { useReading } from './use-reading.ts';

/** One client for the page. */
const trading = follow({ url: '/', space: 'trading' });

export function Regime() {
  const { value, freshness, owner } = useReading(trading, 'market_regime');
  const regime = (value as { regime?: string } | undefined)?.regime ?? 'unknown';
  const note = freshness === 'live' ? '' : ` (as last known; its owner is ${owner})`;
  return createElement('p', { className: freshness }, regime + note);
}
