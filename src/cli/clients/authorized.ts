import type { Bundle } from '../../collector/agent/task.ts';
import type { AgentKind } from './agent-kind.ts';

/** What a restricted key runs. */
export interface Authorized {
  /** null: none, the key only forwards. */
  readonly agent: AgentKind | null;
  /** For `command="..."`. */
  readonly command: string;
  /** What has to lie on the client, the agent first. */
  readonly programs: readonly Pick<Bundle, 'content' | 'digest'>[];
}
