"""``python -m gateway`` is ``switchroom``."""

from gateway.cli import main

if __name__ == "__main__":
    main()
