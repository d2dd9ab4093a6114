"""A wire between the gateway and a server that can be cut in the middle of a call."""

import socket
import threading
from contextlib import suppress

HOST = "127.0.0.1"


class Cutter:
    """Passes bytes on between the gateway and the stand-in, and cuts a connection when told to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut_next = False
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inward, _ = self._listener.accept()
                outward = socket.create_connection((HOST, self._port))
                for pair in ((inward, outward), (outward, inward)):
                    threading.Thread(
                        target=self._pass_on, args=(*pair, pair[0] is inward), daemon=True
                    ).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                if is_request and self.cut_next:
                    self.cut_next = False
                    break
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
