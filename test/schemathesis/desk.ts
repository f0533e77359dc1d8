/** The space that the API process follows: keys and families, one inside another, with names that need escapes. */
import { z } from 'zod';
import { defineSpace, json } from '../../src/index.ts';

export const desk = defineSpace('desk', {
  regime: z.object({ regime: z.enum(['bull', 'bear']), confidence: z.number().min(0).max(1) }),
  'strategy/*': z.object({ position: z.number(), note: z.string().optional() }),
  'strategy/inner/*': z.object({ pnl: z.number() }),
  'größe/*': z.number(),
  'odd {key}': z.string(),
  plain: json<number>(),
  never: json<number>(),
});
