/** agent.cjs: what runs on Linux at every visit. The inventory is a program of its own, for it costs more than a visit. */
import { runAgent } from './agent.ts';
import { collect } from './probes/collect.ts';

runAgent({ visit: collect, inventory: null });
