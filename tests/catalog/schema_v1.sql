BEGIN TRANSACTION;
CREATE TABLE change_counter (
    id INTEGER NOT NULL,
    sequence BIGINT NOT NULL,
    feature_sequence BIGINT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "change_counter" VALUES(1,0,0);
CREATE TABLE changes (
    product_key BIGINT NOT NULL,
    product_id VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL,
    PRIMARY KEY (product_key)
);
CREATE TABLE embeddings (
    encoder_key INTEGER NOT NULL,
    image_key INTEGER NOT NULL,
    mean BLOB NOT NULL,
    novelty DOUBLE NOT NULL,
    PRIMARY KEY (encoder_key, image_key),
    FOREIGN KEY(encoder_key) REFERENCES encoders (encoder_key),
    FOREIGN KEY(image_key) REFERENCES images (image_key) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE encoders (
    encoder_key INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    PRIMARY KEY (encoder_key),
    UNIQUE (id)
);
CREATE TABLE feature_realisations (
    feature VARCHAR NOT NULL,
    encoder_key INTEGER NOT NULL,
    version INTEGER NOT NULL,
    coordinate_count INTEGER NOT NULL,
    matrix BLOB NOT NULL,
    scale DOUBLE NOT NULL,
    model JSON NOT NULL,
    PRIMARY KEY (feature, encoder_key),
    FOREIGN KEY(feature) REFERENCES features (name) ON DELETE CASCADE,
    FOREIGN KEY(encoder_key) REFERENCES encoders (encoder_key)
);
CREATE TABLE features (
    name VARCHAR NOT NULL,
    display_name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    dimensions JSON NOT NULL,
    examples JSON NOT NULL,
    etag VARCHAR NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE images (
    image_key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    product_key INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    content_sha256 VARCHAR NOT NULL,
    width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL,
    input_sha256 VARCHAR,
    create_time BIGINT NOT NULL,
    UNIQUE (product_key, id),
    UNIQUE (product_key, content_sha256),
    FOREIGN KEY(product_key) REFERENCES products (product_key) ON DELETE CASCADE,
    FOREIGN KEY(input_sha256) REFERENCES kept_inputs (sha256)
);
CREATE TABLE kept_inputs (
    sha256 VARCHAR NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (sha256)
);
CREATE TABLE product_labels (
    product_key INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (product_key, name),
    FOREIGN KEY(product_key) REFERENCES products (product_key) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE product_numbers (
    product_key INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    PRIMARY KEY (product_key, name),
    FOREIGN KEY(product_key) REFERENCES products (product_key) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE products (
    product_key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id VARCHAR NOT NULL,
    display_name VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    style_id VARCHAR NOT NULL,
    style_key BIGINT,
    etag VARCHAR NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    UNIQUE (id)
);
CREATE TABLE properties (
    name VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "properties" VALUES('schema_version','1');
CREATE INDEX products_by_style ON products (style_id);
CREATE INDEX products_by_category ON products (category);
CREATE INDEX ix_changes_sequence ON changes (sequence);
CREATE INDEX product_labels_by_value ON product_labels (name, value, product_key);
CREATE INDEX product_numbers_by_value ON product_numbers (name, value, product_key);
CREATE INDEX images_by_content ON images (content_sha256);
CREATE INDEX images_by_input ON images (input_sha256);
CREATE INDEX embeddings_by_image ON embeddings (image_key);
DELETE FROM "sqlite_sequence";
COMMIT;
