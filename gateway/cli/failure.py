"""How a command says that it failed."""


class Failed(Exception):
    """One line that says what to do. ``code`` 1: it failed, 2: it was called wrongly."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code
