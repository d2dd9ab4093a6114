"""TLS before a server that has none built in: the embedded PostgreSQL and Redis have no OpenSSL.

What is tried is our side: that certificates and their names are checked as the addresses say.
"""

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.certificates import HOST, Pair

# What a PostgreSQL client asks before it speaks TLS (the protocol's SSLRequest).
_SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


class TlsFront:
    """Takes TLS on a port of its own and passes on what is inside."""

    def __init__(self, port: int, pair: Pair, *, postgres: bool = False) -> None:
        self._to, self._postgres = port, postgres
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pair.certificate, pair.key)
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        # Connections that came as far as the server behind.
        self.served = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inward, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(inward,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):
            if self._postgres:
                if plain.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
                    return
                plain.sendall(b"S")
            with self._context.wrap_socket(plain, server_side=True) as secure:
                with socket.create_connection((HOST, self._to)) as outward:
                    with self._lock:
                        self.served += 1
                    back = threading.Thread(target=self._back, args=(outward, secure), daemon=True)
                    back.start()
                    while piece := secure.recv(65536):
                        outward.sendall(piece)
                    outward.shutdown(socket.SHUT_RDWR)
                    back.join()

    @staticmethod
    def _back(outward: socket.socket, secure: ssl.SSLSocket) -> None:
        with suppress(OSError):
            while piece := outward.recv(65536):
                secure.sendall(piece)
            secure.shutdown(socket.SHUT_RDWR)
