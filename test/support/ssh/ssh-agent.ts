import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';

/** Starts an ssh-agent that is killed after the running test or suite. Returns its socket. */
export async function startSshAgent(socket: string, ...keys: readonly string[]): Promise<string> {
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => agent.kill());
  await once(agent.stdout, 'data');
  if (keys.length > 0) addToAgent(socket, ...keys);
  return socket;
}

export function addToAgent(socket: string, ...keys: readonly string[]): void {
  execFileSync('ssh-add', ['-q', ...keys], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
}
