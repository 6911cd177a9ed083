"""The connections of an engine: open, idle or under way."""

from pytest_numa.load.connection import Address, Connection
from pytest_numa.load.exchange import Exchange
from pytest_numa.load.poller import Poller


class Pool:
    """Connections to one address. ``by_number``: by the descriptor that events come with."""

    def __init__(self, address: Address, poller: Poller) -> None:
        self.by_number: dict[int, Connection] = {}
        self.idle: list[Connection] = []
        self._address = address
        self._poller = poller

    def opened(self) -> Connection:
        """A new connection, on its way to be open."""
        connection = Connection(self._address, self._poller.epoll)
        self.by_number[connection.number] = connection
        return connection

    def taken(self) -> Connection:
        """An idle connection, else a new one."""
        return self.idle.pop() if self.idle else self.opened()

    def keep_spare(self) -> None:
        """Have one in reserve."""
        if not self.idle:
            self.idle.append(self.opened())

    def drop(self, connection: Connection) -> None:
        """Close a connection, whatever it does."""
        del self.by_number[connection.number]
        if connection in self.idle:
            self.idle.remove(connection)
        connection.close()

    def under_way(self) -> list[tuple[Connection, Exchange]]:
        """Connections with an exchange."""
        pairs = [(one, one.exchange) for one in self.by_number.values()]
        return [(one, exchange) for one, exchange in pairs if exchange is not None]
