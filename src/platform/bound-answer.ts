import type { ClientRequest } from 'node:http';

/** The most informational answers (1xx): a server that is slow sends one or two. */
const maxInformational = 8;
/** The most bytes before the answer. Node limits only the headers of each answer, to 16 KiB. */
const maxBytesBefore = 64 * 1024;

/**
 * Destroys a request, with an error, whose server sends more than 8 informational answers or 64 KiB before its answer.
 * With `maxBodyBytes`, also destroys a request whose answer takes far more bytes on the way than its body may have: a
 * body can arrive in chunks of one byte. Without these limits a server could keep the event loop busy until the
 * request's deadline. Returns the request.
 */
export function boundAnswer(request: ClientRequest, maxBodyBytes: number | null = null): ClientRequest {
  let informational = 0;
  let bytes = 0;
  let maxBytes = maxBytesBefore;
  const refuse = (what: string): void => void request.destroy(new Error(`it sends ${what}`));
  request.on('information', () => {
    informational += 1;
    if (informational > maxInformational) refuse(`more than ${maxInformational} informational answers`);
  });
  const answered = (): void => {
    maxBytes = maxBodyBytes === null ? Infinity : bytes + maxBytesBefore + 1.25 * maxBodyBytes;
  };
  request.once('response', answered).once('upgrade', answered);
  request.once('socket', (socket) => {
    const count = ({ length }: Buffer): void => {
      bytes += length;
      if (bytes > maxBytes) refuse(`more bytes than its answer needs`);
    };
    socket.on('data', count);
    request.once('close', () => socket.off('data', count));
  });
  return request;
}
