import { accessSync, constants } from 'node:fs';

const maxAnswerChars = 1024 * 1024;
const answerMs = 1000;

/**
 * Asks Docker or Podman for the running containers. Returns null without a socket that this account may use. An account
 * that may open Docker's socket is as powerful as root.
 */
export function containersAt(root: string): Promise<string> | null {
  const own = `/run/user/${process.getuid?.() ?? 0}`;
  const socket = ['/run/docker.sock', '/run/podman/podman.sock', `${own}/docker.sock`, `${own}/podman/podman.sock`]
    .map((path) => root + path)
    .find(isOpen);
  return socket === undefined ? null : answerOf(socket);
}

function isOpen(socket: string): boolean {
  try {
    accessSync(socket, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function answerOf(socket: string): Promise<string> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    let answer = '';
    const connection = connect(socket);
    const end = (): void => {
      clearTimeout(timer);
      connection.destroy();
      resolve(answer.slice(answer.indexOf('\r\n\r\n')));
    };
    const timer = setTimeout(end, answerMs);
    connection.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > maxAnswerChars) end();
    });
    connection.on('error', end).on('end', end);
    // HTTP/1.0 has neither chunks nor a connection that stays.
    connection.write('GET /containers/json HTTP/1.0\r\nHost: localhost\r\n\r\n');
  });
}
