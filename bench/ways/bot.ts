/** What each bot of a fleet shows. */
import { json } from '../../src/index.ts';

/** `at`: when the bot was there, on the clock of the machine, ms. */
export const bot = { at: json<number>() };
