from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.spec import KINDS, SourceSpec, describe_spec

_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)
_NAMES = ("licence", "label")


@st.composite
def _specs(draw: st.DrawFn) -> SourceSpec:
    kind = draw(st.sampled_from(sorted(KINDS)))
    subject = draw(_TEXT | st.sampled_from(["a@b=c", "a@", "list:x", "https://h/@id=1", "a+b", "100%25", "x@y@"]))
    if kind in ("http", "https", "s3", "gs", "hf"):
        subject = f"{kind}://{subject}"
    options = {name: draw(_TEXT) for name in draw(st.lists(st.sampled_from(_NAMES), unique=True))}
    if draw(st.booleans()):
        options["limit"] = str(draw(st.integers(1, 10**9)))
    if kind == "kinetics":
        options["videos"] = draw(_TEXT)
    return SourceSpec(kind=kind, subject=subject, options=tuple(options.items()))


@given(_specs())
def test_every_specification_reads_back_as_it_was_written(spec: SourceSpec) -> None:
    assert SourceSpec.parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "kind", "subject", "options"),
    [
        ("videos/", "path", "videos/", {}),
        ("videos@limit=3", "path", "videos", {"limit": "3"}),
        ("v/**/*.mp4@licence=CC-BY-4.0+label=a dog", "path", "v/**/*.mp4", {"licence": "CC-BY-4.0", "label": "a dog"}),
        ("list:a.csv@root=/x/a+b+start=from", "list", "a.csv", {"root": "/x/a+b", "start": "from"}),
        ("list:a.csv@root=/x/a%2Bstart=b%40c%20", "list", "a.csv", {"root": "/x/a+start=b@c%20"}),
        ("kinetics:train.csv@videos=k400", "kinetics", "train.csv", {"videos": "k400"}),
        ("https://a.b/x@2x.mp4?y=1", "https", "https://a.b/x@2x.mp4?y=1", {}),
        ("HTTPS://a.b/x.mp4@limit=1", "https", "https://a.b/x.mp4", {"limit": "1"}),
        ("https://a.b/@id=1/x.mp4@", "https", "https://a.b/@id=1/x.mp4", {}),
        ("s3://bucket/*.mp4@label=x", "s3", "s3://bucket/*.mp4", {"label": "x"}),
        ("youtube:-3B32lodo2M", "youtube", "-3B32lodo2M", {}),
        ("path:list:x", "path", "list:x", {}),
        ("a/b:c.mp4", "path", "a/b:c.mp4", {}),
    ],
)  # fmt: skip
def test_words_are_taken_apart(text: str, kind: str, subject: str, options: dict[str, str]) -> None:
    spec = SourceSpec.parse(text)
    assert (spec.kind, spec.subject, dict(spec.options)) == (kind, subject, options)


def test_what_exists_is_a_path_whatever_it_reads_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a@limit=3", "list:b.csv", "c@x=y.mp4"):
        Path(name).touch()
        assert SourceSpec.parse(name) == SourceSpec(kind="path", subject=name)
    Path("c:d").touch()
    assert SourceSpec.parse("c:d@limit=2") == SourceSpec(kind="path", subject="c:d", options=(("limit", "2"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lists:a.csv", "'lists'.*known: gs, hf, http.*did you mean 'list'"),
        ("videos@limt=3", "unknown setting of PATH: 'limt'.*did you mean 'limit'"),
        ("videos@videos=x", "unknown setting of PATH: 'videos'"),
        ("videos@limit=0", "limit=0 must be a whole number from 1"),
        ("videos@limit=many", "limit=many"),
        ("videos@licence=", "licence= has no value"),
        ("videos@limit=1+limit=2", "limit= is given 2 times"),
        ("videos@start=5+end=3", "end '3' is not behind start '5'"),
        ("videos@start=soon", "'soon' is neither seconds nor h:mm:ss"),
        ("list:", "nothing behind the colon; expected list:FILE"),
        ("kinetics:train.csv", "say where the files are: @videos=DIR"),
        ("http:a.mp4", "expected http://"),
        ("a\0b", "a NUL in a name"),
        ("", "expected PATH"),
    ],
)
def test_mistakes_say_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SourceSpec.parse(text)


def test_all_mistakes_of_a_word_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        SourceSpec.parse("kinetics:train.csv@limit=x+lable=y")
    assert len(str(error.value).splitlines()) == 3


def test_a_description_names_subject_meaning_and_settings() -> None:
    text = describe_spec("list:clips.csv@licence=CC0")
    assert text.startswith("clips.csv: rows of paths")
    assert text.endswith("(licence CC0)")


def test_times_of_tables_are_columns_and_of_others_values() -> None:
    assert SourceSpec.parse("list:a.csv@start=from").has_columns
    assert not SourceSpec.parse("list:a.txt@start=3").has_columns
    with pytest.raises(ConfigError, match="'from'"):
        SourceSpec.parse("list:a.txt@start=from")
