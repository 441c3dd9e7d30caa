"""The store: immutable records, and tables folded from them. Nothing here imports pyarrow."""

from orchestrator.store.answering import COMPLETED as COMPLETED
from orchestrator.store.answering import answering as answering
from orchestrator.store.index import CellState as CellState
from orchestrator.store.index import Index as Index
from orchestrator.store.index import load_index as load_index
from orchestrator.store.index import read_index as read_index
from orchestrator.store.index_part import IndexEntry as IndexEntry
from orchestrator.store.layout import SCHEMA_VERSION as SCHEMA_VERSION
from orchestrator.store.layout import Store as Store
from orchestrator.store.layout import StoreError as StoreError
from orchestrator.store.layout import StoreWarning as StoreWarning
from orchestrator.store.publishing import publish_new as publish_new
from orchestrator.store.publishing import replace as replace
from orchestrator.store.records import CollisionError as CollisionError
from orchestrator.store.records import Record as Record
from orchestrator.store.records import new_attempt as new_attempt
from orchestrator.store.records import publish as publish
from orchestrator.store.records import publish_batch as publish_batch
from orchestrator.store.records import timestamp as timestamp
