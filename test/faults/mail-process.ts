import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The mail server as a process that is killed and started again. */
export interface MailProcess {
  readonly port: number;
  pid(): number;
  isAlive(): boolean;
  kill(): Promise<void>;
  /** Starts the server again on the same port. Does nothing if it lives. */
  revive(): Promise<void>;
}

export async function startMailProcess(script: string, dir: string): Promise<MailProcess> {
  let child: ChildProcess;
  const start = async (port: number): Promise<number> => {
    child = spawn(process.execPath, [script, dir, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = child;
    if (stdout === null) throw new Error('the mail server has no stdout');
    const [said] = (await once(stdout, 'data')) as [Buffer];
    stdout.resume();
    return Number(said.toString());
  };
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  const port = await start(0);
  process.once('exit', () => child.kill('SIGKILL'));
  return {
    port,
    pid: () => child.pid ?? 0,
    isAlive,
    kill: async () => {
      if (!isAlive()) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    revive: async () => {
      if (!isAlive()) await start(port);
    },
  };
}
