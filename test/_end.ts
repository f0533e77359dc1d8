/** Loaded before each test file. */
import { registerCompletionHandler } from 'ava';

// When nothing keeps the process any more, it ends at once, without taking down what is left: in that Node can spin for
// good (a socket that was reset while it was being ended). What does keep it is still found, and named by AVA.
registerCompletionHandler(() => void process.once('beforeExit', () => process.exit()));
