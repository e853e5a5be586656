"""The checker that holds every annotation of the library true while tests run: beartype, ints admitted as floats."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
