import { showsUtf8 } from './output.ts';

/** The size of a terminal. */
interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const clearLine = '\u001b[K';
const clearBelow = '\u001b[J';

/**
 * Opens a terminal's alternate screen, which leaves earlier output unchanged. Restores the terminal however the process
 * exits, and while the process is stopped (Ctrl-Z).
 */
export function openScreen(stdout: NodeJS.WriteStream) {
  let linesFor: ((size: ScreenSize) => readonly string[]) | null = null;
  let isOpen = false;
  const draw = (): void => {
    if (linesFor === null || !isOpen) return;
    const lines = linesFor({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
    const text = lines.map((line) => clearLine + line).join('\r\n');
    stdout.write(`${home}${showsUtf8() ? text : text.replaceAll('…', '~')}${clearBelow}`);
  };
  const open = (): void => {
    isOpen = true;
    stdout.write(enter);
    draw();
  };
  const putBack = (): void => {
    if (isOpen) stdout.write(leave);
    isOpen = false;
  };
  const stop = (): void => {
    putBack();
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('exit', putBack);
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', open);
  stdout.on('resize', draw);
  open();
  return {
    /** Draws lines over the previous ones, and again whenever the size changes. */
    draw: (lines: (size: ScreenSize) => readonly string[]): void => {
      linesFor = lines;
      draw();
    },
    /** Restores the terminal. */
    close: (): void => {
      process.off('exit', putBack);
      process.off('SIGTSTP', stop);
      process.off('SIGCONT', open);
      stdout.off('resize', draw);
      putBack();
    },
  };
}
