import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process on a terminal of its own, as a person has it: what it writes, keys, the size of the window. */
export interface Pty {
  /** All that was written to the terminal. */
  output(): string;
  press(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
}

// A terminal needs an ioctl, which Node has none for. Commands come as JSON lines; the exit code goes to stderr.
const program = `
import fcntl, json, os, pty, selectors, struct, sys, termios
size = lambda rows, columns: struct.pack('HHHH', rows, columns, 0, 0)
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, size(int(sys.argv[1]), int(sys.argv[2])))
    os.execvpe(sys.argv[3], sys.argv[3:], os.environ)
watched = selectors.DefaultSelector()
watched.register(terminal, selectors.EVENT_READ)
watched.register(0, selectors.EVENT_READ)
pending = b''
while True:
    for key, _ in watched.select():
        try:
            data = os.read(key.fd, 65536)
        except OSError:
            data = b''
        if key.fd == terminal:
            if not data:
                sys.stderr.write(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
                sys.exit(0)
            os.write(1, data)
        elif not data:
            watched.unregister(0)
        else:
            pending += data
            while b'\\n' in pending:
                line, pending = pending.split(b'\\n', 1)
                order = json.loads(line)
                if 'keys' in order:
                    os.write(terminal, order['keys'].encode())
                else:
                    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size(order['rows'], order['columns']))
`;

export function onTerminal(
  words: readonly string[],
  {
    columns = 120,
    rows = 30,
    env = {},
  }: { columns?: number; rows?: number; env?: Readonly<Record<string, string>> } = {},
): Pty {
  const child = spawn('python3', ['-c', program, String(rows), String(columns), ...words], {
    env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let code = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (code += chunk));
  child.stdin.on('error', () => undefined);
  const order = (what: object) => child.stdin.write(`${JSON.stringify(what)}\n`);
  return {
    output: () => output,
    press: (keys) => order({ keys }),
    resize: (newColumns, newRows) => order({ columns: newColumns, rows: newRows }),
    ended: once(child, 'close').then(() => {
      if (!/^-?\d+$/.test(code)) throw new Error(`the terminal failed: ${code}`);
      return Number(code);
    }),
  };
}
