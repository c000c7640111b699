import type { Socket } from 'node:net';

/** Why the server closed a connection, other than one that its own limits in time ended. */
export const closings = ['idle', 'slow_client', 'unread', 'pipelining', 'refused'] as const;

export type Closing = (typeof closings)[number];

/** One client's connection. */
export interface Connection {
  /** What ends it; a TLS socket once there is one. */
  socket: Socket;
  readonly address: string;
  /** Requests on it without their whole answer. */
  open: number;
}

export interface Connections {
  count(): number;
  closed(): Readonly<Record<Closing, number>>;
  /** A client has connected. */
  add(socket: Socket): void;
  /** The TLS socket of a connection that was added. */
  secure(socket: Socket): void;
  of(socket: Socket): Connection | undefined;
  begin(connection: Connection): void;
  end(connection: Connection): void;
  close(connection: Connection, why: Closing): void;
  /** Ends all that are there, whatever goes on. */
  closeAll(): void;
}

interface Options {
  readonly limit: number;
  /** A connection whose request waits for its client, to send or to read; asked only when none is idle. */
  readonly slowest: () => Connection | undefined;
}

/**
 * The connections that are held, at most as many as the limit. Where one more comes, the one that has been idle longest
 * is closed, rather than the newcomer refused: clients that hold connections and send nothing cannot lock out health
 * checks, nor those who ask. An address with more than its share goes first. Where none is idle, a client that is slow
 * goes; only where every one waits for this server is the newcomer refused.
 */
export function createConnections({ limit, slowest }: Options): Connections {
  const bySocket = new WeakMap<Socket, Connection>();
  const byPeer = new Map<Peer, Connection>();
  const addresses = new Map<string, number>();
  /** In the order in which they became idle. */
  const idle = new Set<Connection>();
  const closed: Record<Closing, number> = { idle: 0, slow_client: 0, unread: 0, pipelining: 0, refused: 0 };

  function forget(peer: Peer, connection: Connection): void {
    if (byPeer.get(peer) === connection) byPeer.delete(peer);
    idle.delete(connection);
    const left = (addresses.get(connection.address) ?? 1) - 1;
    if (left === 0) addresses.delete(connection.address);
    else addresses.set(connection.address, left);
  }

  function makeRoom(newcomer: Connection): void {
    if (byPeer.size <= limit) return;
    const victim = longestIdle(newcomer);
    if (victim !== undefined) {
      close(victim, 'idle');
      return;
    }
    const slow = slowest();
    if (slow !== undefined) close(slow, 'slow_client');
    else if (!isLocal(newcomer.socket)) close(newcomer, 'refused');
  }

  function longestIdle(newcomer: Connection): Connection | undefined {
    const share = limit / addresses.size;
    let longest: Connection | undefined;
    for (const connection of idle) {
      if (connection === newcomer) continue;
      if ((addresses.get(connection.address) ?? 0) > share) return connection;
      longest ??= connection;
    }
    return longest;
  }

  function close(connection: Connection, why: Closing): void {
    closed[why] += 1;
    idle.delete(connection);
    connection.socket.destroy();
  }

  return {
    count: () => byPeer.size,
    closed: () => closed,
    add(socket) {
      const peer = peerOf(socket);
      const connection = { socket, address: socket.remoteAddress ?? '', open: 0 };
      bySocket.set(socket, connection);
      byPeer.set(peer, connection);
      addresses.set(connection.address, (addresses.get(connection.address) ?? 0) + 1);
      idle.add(connection);
      socket.once('close', () => forget(peer, connection));
      makeRoom(connection);
    },
    secure(socket) {
      const connection = byPeer.get(peerOf(socket));
      if (connection === undefined) return;
      connection.socket = socket;
      bySocket.set(socket, connection);
    },
    of: (socket) => bySocket.get(socket),
    begin(connection) {
      connection.open += 1;
      if (connection.open === 1) idle.delete(connection);
    },
    end(connection) {
      connection.open -= 1;
      if (connection.open === 0 && !connection.socket.destroyed) idle.add(connection);
    },
    close,
    closeAll() {
      for (const { socket } of byPeer.values()) socket.destroy();
    },
  };
}

/** Both ends of a connection: what the sockets of TCP and of TLS on it have in common. Those of a Unix socket have none. */
type Peer = string | Socket;

function peerOf(socket: Socket): Peer {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return isLocal(socket)
    ? socket
    : `${remoteAddress ?? ''} ${remotePort ?? ''} ${localAddress ?? ''} ${localPort ?? ''}`;
}

/** On the admin socket: orders are never refused. */
function isLocal({ remotePort }: Socket): boolean {
  return remotePort === undefined;
}
