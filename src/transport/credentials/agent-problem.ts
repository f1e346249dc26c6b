/** src/transport/credentials: keys, agents, passwords. */
import { shownShellWord } from '../../text/shell-word.ts';

/** The reason why an ssh-agent did not help a login, and the remedy. No client is to blame for it. */
export interface AgentProblem {
  readonly message: string;
  readonly advice: string;
}

/** The ssh-agent at a socket, for messages; null: the one of $SSH_AUTH_SOCK or of ssh_config. */
type Socket = string | null;

const at = (socket: Socket): string => (socket === null ? 'the ssh-agent' : `the ssh-agent at ${socket}`);
const ask = (socket: Socket, what: string): string =>
  socket === null ? `\`${what}\`` : `\`SSH_AUTH_SOCK=${shownShellWord(socket)} ${what}\``;

/** Returns the problem of an agent that does not take a connection. `why` is the system's reason. */
export function unreachableAgent(socket: Socket, why: string): AgentProblem {
  return { message: `${at(socket)} cannot be reached: ${why}`, advice: 'Start it, or correct agent.' };
}

/** Returns the problem of an agent that did not list its keys. */
export function unlistedAgent(socket: Socket, why: string): AgentProblem {
  return { message: `${at(socket)} did not list its keys: ${why}`, advice: `See ${ask(socket, 'ssh-add -l')}.` };
}

/** Returns the problem of an agent that holds none of the keys to offer. A locked one lists none. */
export function emptyAgent(socket: Socket, namedOnly = false): AgentProblem {
  return {
    message: `${at(socket)} has ${namedOnly ? 'none of the named keys' : 'no key to offer'}`,
    advice: `${ask(socket, 'ssh-add -l')} lists its keys: add one with ssh-add, or unlock the agent (ssh-add -X).`,
  };
}

/** Returns the problem of an agent that has listed a key and makes no signature with it. */
export function unsignedByAgent(socket: Socket, key: string, why: string): AgentProblem {
  return { message: `${at(socket)} did not sign with ${key}: ${why}`, advice: confirmAdvice };
}

/** Returns the problem of an agent that has not answered. `late` says until when: `within 5000 ms`. */
export function silentAgent(socket: Socket, late: string): AgentProblem {
  return { message: `${at(socket)} did not answer ${late}`, advice: confirmAdvice };
}

/** The remedy for an agent that waits or refuses although it has the key. */
export const confirmAdvice =
  'Its key may want a confirmation, a touch or a PIN, be for other hosts alone (ssh-add -h), or the agent be locked: ' +
  'a collector needs a key that signs unattended.';
