/** Reads certificates: of a server, or of files. agent/capture/checks.sh has the same lines from openssl. */
import { X509Certificate } from 'node:crypto';
import { promises as fs } from 'node:fs';

import { matchesGlobs } from '../probes/name-glob.ts';
import { faultOf } from '../probes/source.ts';

const maxFiles = 16;
const maxFileBytes = 1024 * 1024;

/**
 * Returns the lines `notAfter=`, `subject=` and `issuer=` of a server's certificate, whatever its signer. Throws an
 * Error with the reason.
 */
export async function linesOfServer(target: string, servername: string, timeoutMs: number): Promise<string[]> {
  const { connect } = await import('node:tls');
  const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(target) ?? [];
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port),
      servername: servername === '' && !/:|^[\d.]+$/.test(host) ? host : servername,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    setTimeout(() => socket.destroy(), timeoutMs).unref();
    const end = (error?: Error): void => {
      const found = socket.getPeerX509Certificate();
      socket.destroy();
      if (found === undefined) reject(error ?? new Error('none'));
      else resolve(linesOf(found));
    };
    socket.on('secureConnect', end);
    // A server that requests a client certificate has sent its certificate before.
    socket.on('error', end);
  });
}

function linesOf({ validFrom, validTo, subject, issuer }: X509Certificate): string[] {
  const [by, to] = [issuer, subject].map((name) => name.split('\n').reverse().join(','));
  return [`notBefore=${validFrom}`, `notAfter=${validTo}`, `subject=${to}`, `issuer=${by}`];
}

/**
 * Returns the lines `notAfter=`, `subject=` and `issuer=` for the files of a glob, `file=` before each, and `fault=`
 * for a file without a certificate.
 */
export async function linesOfCertificates(glob: string): Promise<string[]> {
  const files = await filesOf(glob);
  const lines = await Promise.all(files.slice(0, maxFiles).map(linesOfFile));
  return [...lines.flat(), ...(files.length > maxFiles ? [`fault=more than ${maxFiles} files`] : [])];
}

async function linesOfFile(file: string): Promise<string[]> {
  try {
    const status = await fs.stat(file);
    if (!status.isFile() || status.size > maxFileBytes) return [`fault=no certificate: ${file}`];
    const content = await fs.readFile(file);
    try {
      return [`file=${file}`, ...linesOf(new X509Certificate(content))];
    } catch {
      return [`fault=no certificate: ${file}`];
    }
  } catch (error) {
    return [`fault=${faultOf(error, file)}`];
  }
}

/** Returns the files that match a glob; the glob itself if there are none. */
async function filesOf(glob: string): Promise<string[]> {
  let paths = [''];
  for (const part of glob.split('/').slice(1)) {
    const found = paths.map(async (dir) => {
      if (!/[*?]/.test(part)) return [`${dir}/${part}`];
      const names = await fs.readdir(`${dir}/`).catch(() => []);
      const isHit = (name: string): boolean =>
        matchesGlobs(part, name) && (!name.startsWith('.') || part.startsWith('.'));
      return names
        .filter(isHit)
        .sort()
        .map((name) => `${dir}/${name}`);
    });
    paths = (await Promise.all(found)).flat().slice(0, 1000);
  }
  const there = await Promise.all(
    paths.map((path) =>
      fs.stat(path).then(
        () => true,
        () => !/[*?]/.test(glob),
      ),
    ),
  );
  const files = paths.filter((_, at) => there[at]);
  return files.length > 0 ? files : [glob];
}
