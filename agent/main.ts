/**
 * The program agent.cjs for visits on Linux. The inventory is a separate program, because it costs more than a visit.
 */
import { runAgent } from './agent.ts';
import { collect } from './probes/collect.ts';

runAgent({ visit: collect, inventory: null });
