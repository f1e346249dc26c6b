/** inventory.cjs: what a machine is made of, once a day; and on systems other than Linux every visit. */
import { runAgent } from './agent.ts';
import { collectInventory } from './inventory/collect-inventory.ts';
import { collectPortable } from './portable/collect-portable.ts';

runAgent({ visit: collectPortable, inventory: collectInventory });
