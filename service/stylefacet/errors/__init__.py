"""Every deliberate failure of Stylefacet, with its gRPC code; knows nothing of gRPC itself.

StylefacetError
├── InvalidField            a request, a row, a flag: says which field and why
│   ├── FilterInvalid       a filter expression, with the position
│   ├── PageTokenStale      a page token of another request
│   └── RequestIdReused     a request id that another request had
├── ImageUndecodable        bytes that are no whole JPEG, PNG or WebP
├── ImageTooLarge           over the limit on bytes or on pixels
├── MessageTooLarge         over the limit on one message
├── ResourceMissing         a name that stands for nothing
├── ResourceExists          a name that is taken
├── EtagMismatch            someone else wrote in between
├── ImportRunning           one import at a time
├── ImportDisabled          the server has no folder to import from
├── DeletionRefused         a replacing import that would delete too much
├── OperationCancelled      someone cancelled it
├── OperationLost           its server went away, again and again
├── OperationUnfinished     it must end before it can be deleted
├── EncoderMismatch         a vector or a store of another encoder
├── EncodersChanged         a switch of encoders came in between
├── EncodersMixed           things of several encoders in one request
├── EncoderInUse            an encoder that serves, or that an operation prepares
├── SwitchRunning           one switch of encoders at a time
├── InputsMissing           photos that a new encoder would have to see again
├── DecoderMissing          the bundle has no decoder
├── FeatureNotCarried       the encoder does not see the feature
├── FeatureBundled          it comes with the encoder and stays as it is
├── AdjustmentsContradict   wishes for a query that no move meets
├── Overloaded              try again in a moment
├── IndexLoading            the index is not warm yet
├── ChangeNotSeen           a change of the catalogue that has not reached this server
├── StoreUnreachable        the database does not answer
├── StoreFull               no room is left for the store
├── StoreUnwritable         the store's files cannot be written
├── ShuttingDown            the server is going away
├── ServerUnreachable       no server answers at the address
├── ServerUntrusted         a server whose certificate proves nothing
├── CallTimedOut            the server took longer than the caller waits
├── CallExpired             a call's time was over before its work began
├── CallCutOff              a call ended without a reason: overload, or it took far too long
├── StreamIdle              nothing came up a stream for too long
├── TokenRejected           no token, or a wrong one
├── TokenScopeInsufficient  a token that may not do this
├── BackupInvalid           a backup that is damaged or of another release
├── MethodUnclassed         a method that nobody may call
├── BundleInvalid           a bundle that is damaged or disagrees with itself
├── StoreCorrupt            a store that cannot be trusted
└── SettingInvalid          a setting that cannot be used
"""

from stylefacet.errors.base import (
    Code,
    StylefacetError,
)
from stylefacet.errors.encoders import (
    AdjustmentsContradict,
    DecoderMissing,
    EncoderInUse,
    EncoderMismatch,
    EncodersChanged,
    EncodersMixed,
    FeatureBundled,
    FeatureNotCarried,
    InputsMissing,
    SwitchRunning,
)
from stylefacet.errors.operations import (
    DeletionRefused,
    ImportDisabled,
    ImportRunning,
    OperationCancelled,
    OperationLost,
    OperationUnfinished,
)
from stylefacet.errors.requests import (
    EtagMismatch,
    FilterInvalid,
    ImageTooLarge,
    ImageUndecodable,
    InvalidField,
    MessageTooLarge,
    PageTokenStale,
    RequestIdReused,
    ResourceExists,
    ResourceMissing,
)
from stylefacet.errors.serving import (
    CallCutOff,
    CallExpired,
    CallTimedOut,
    ChangeNotSeen,
    IndexLoading,
    MethodUnclassed,
    Overloaded,
    ServerUnreachable,
    ServerUntrusted,
    ShuttingDown,
    StoreFull,
    StoreUnreachable,
    StoreUnwritable,
    StreamIdle,
    TokenRejected,
    TokenScopeInsufficient,
)
from stylefacet.errors.starting import (
    BackupInvalid,
    BundleInvalid,
    SettingInvalid,
    StoreCorrupt,
)

__all__ = [
    "AdjustmentsContradict",
    "BackupInvalid",
    "BundleInvalid",
    "CallCutOff",
    "CallExpired",
    "CallTimedOut",
    "ChangeNotSeen",
    "Code",
    "DecoderMissing",
    "DeletionRefused",
    "EncoderInUse",
    "EncoderMismatch",
    "EncodersChanged",
    "EncodersMixed",
    "EtagMismatch",
    "FeatureBundled",
    "FeatureNotCarried",
    "FilterInvalid",
    "ImageTooLarge",
    "ImageUndecodable",
    "ImportDisabled",
    "ImportRunning",
    "IndexLoading",
    "InputsMissing",
    "InvalidField",
    "MessageTooLarge",
    "MethodUnclassed",
    "OperationCancelled",
    "OperationLost",
    "OperationUnfinished",
    "Overloaded",
    "PageTokenStale",
    "RequestIdReused",
    "ResourceExists",
    "ResourceMissing",
    "ServerUnreachable",
    "ServerUntrusted",
    "SettingInvalid",
    "ShuttingDown",
    "StoreCorrupt",
    "StoreFull",
    "StoreUnreachable",
    "StoreUnwritable",
    "StreamIdle",
    "StylefacetError",
    "SwitchRunning",
    "TokenRejected",
    "TokenScopeInsufficient",
]
