from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Document(_message.Message):
    __slots__ = ("id", "text", "image", "embedding", "payload", "matches", "below_threshold")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    BELOW_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    image: bytes
    embedding: _containers.RepeatedScalarFieldContainer[float]
    payload: str
    matches: _containers.RepeatedCompositeFieldContainer[Match]
    below_threshold: int
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ..., image: _Optional[bytes] = ..., embedding: _Optional[_Iterable[float]] = ..., payload: _Optional[str] = ..., matches: _Optional[_Iterable[_Union[Match, _Mapping]]] = ..., below_threshold: _Optional[int] = ...) -> None: ...

class Match(_message.Message):
    __slots__ = ("id", "score", "payload")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    id: str
    score: float
    payload: str
    def __init__(self, id: _Optional[str] = ..., score: _Optional[float] = ..., payload: _Optional[str] = ...) -> None: ...

class Parameters(_message.Message):
    __slots__ = ("collection", "limit", "exact", "optimize", "threshold")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    collection: str
    limit: int
    exact: bool
    optimize: bool
    threshold: float
    def __init__(self, collection: _Optional[str] = ..., limit: _Optional[int] = ..., exact: _Optional[bool] = ..., optimize: _Optional[bool] = ..., threshold: _Optional[float] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("text", "image", "limit", "exact", "collection", "threshold")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    text: str
    image: bytes
    limit: int
    exact: bool
    collection: str
    threshold: float
    def __init__(self, text: _Optional[str] = ..., image: _Optional[bytes] = ..., limit: _Optional[int] = ..., exact: _Optional[bool] = ..., collection: _Optional[str] = ..., threshold: _Optional[float] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("results", "below_threshold")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    BELOW_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[Match]
    below_threshold: int
    def __init__(self, results: _Optional[_Iterable[_Union[Match, _Mapping]]] = ..., below_threshold: _Optional[int] = ...) -> None: ...

class IndexRequest(_message.Message):
    __slots__ = ("documents", "collection", "optimize")
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZE_FIELD_NUMBER: _ClassVar[int]
    documents: _containers.RepeatedCompositeFieldContainer[Document]
    collection: str
    optimize: bool
    def __init__(self, documents: _Optional[_Iterable[_Union[Document, _Mapping]]] = ..., collection: _Optional[str] = ..., optimize: _Optional[bool] = ...) -> None: ...

class IndexResponse(_message.Message):
    __slots__ = ("indexed",)
    INDEXED_FIELD_NUMBER: _ClassVar[int]
    indexed: int
    def __init__(self, indexed: _Optional[int] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("ids", "collection")
    IDS_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    collection: str
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., collection: _Optional[str] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ProcessRequest(_message.Message):
    __slots__ = ("endpoint", "docs", "parameters")
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    DOCS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    docs: _containers.RepeatedCompositeFieldContainer[Document]
    parameters: Parameters
    def __init__(self, endpoint: _Optional[str] = ..., docs: _Optional[_Iterable[_Union[Document, _Mapping]]] = ..., parameters: _Optional[_Union[Parameters, _Mapping]] = ...) -> None: ...

class ProcessResponse(_message.Message):
    __slots__ = ("docs",)
    DOCS_FIELD_NUMBER: _ClassVar[int]
    docs: _containers.RepeatedCompositeFieldContainer[Document]
    def __init__(self, docs: _Optional[_Iterable[_Union[Document, _Mapping]]] = ...) -> None: ...

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("facts",)
    class FactsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FACTS_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.ScalarMap[str, str]
    def __init__(self, facts: _Optional[_Mapping[str, str]] = ...) -> None: ...

class StartIncidentRequest(_message.Message):
    __slots__ = ("name", "seconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    seconds: float
    def __init__(self, name: _Optional[str] = ..., seconds: _Optional[float] = ...) -> None: ...

class StopIncidentRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListIncidentsRequest(_message.Message):
    __slots__ = ("here",)
    HERE_FIELD_NUMBER: _ClassVar[int]
    here: bool
    def __init__(self, here: _Optional[bool] = ...) -> None: ...

class ActiveIncidents(_message.Message):
    __slots__ = ("seconds_left",)
    class SecondsLeftEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    SECONDS_LEFT_FIELD_NUMBER: _ClassVar[int]
    seconds_left: _containers.ScalarMap[str, float]
    def __init__(self, seconds_left: _Optional[_Mapping[str, float]] = ...) -> None: ...
