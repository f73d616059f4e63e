BEGIN TRANSACTION;
CREATE TABLE change_counter (
    id INTEGER NOT NULL,
    sequence BIGINT NOT NULL,
    feature_sequence BIGINT NOT NULL,
    encoder_sequence BIGINT DEFAULT '0' NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "change_counter" VALUES(1,3,3,0);
CREATE TABLE changes (
    product_key BIGINT NOT NULL,
    product_id VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL,
    PRIMARY KEY (product_key)
);
INSERT INTO "changes" VALUES(1,'p1',1,0);
INSERT INTO "changes" VALUES(2,'p2',1,0);
INSERT INTO "changes" VALUES(3,'gone',2,1);
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
INSERT INTO "embeddings" VALUES(1,1,X'41AA0B3F1DCED8BFAD75373F0DEE843F',0.25);
INSERT INTO "embeddings" VALUES(1,2,X'246F4CBF54B565BF6C9FAE3F6195A3BF',0.25);
CREATE TABLE encoder_assignments (
    category VARCHAR NOT NULL,
    encoder_key INTEGER NOT NULL,
    PRIMARY KEY (category),
    FOREIGN KEY(encoder_key) REFERENCES encoders (encoder_key)
);
CREATE TABLE encoder_files (
    encoder_key INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (encoder_key, name),
    FOREIGN KEY(encoder_key) REFERENCES encoders (encoder_key) ON DELETE CASCADE
);
INSERT INTO "encoder_files" VALUES(1,'manifest.json',X'7B7D');
CREATE TABLE encoder_switches (
    sequence BIGINT NOT NULL,
    earlier JSON NOT NULL,
    later JSON NOT NULL,
    create_time BIGINT NOT NULL,
    PRIMARY KEY (sequence)
);
CREATE TABLE encoders (
    encoder_key INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    install_time BIGINT,
    PRIMARY KEY (encoder_key),
    UNIQUE (id)
);
INSERT INTO "encoders" VALUES(1,'e1',1767225600000000);
CREATE TABLE feature_realisations (
    feature VARCHAR NOT NULL,
    encoder_key INTEGER NOT NULL,
    version INTEGER NOT NULL,
    coordinate_count INTEGER NOT NULL,
    matrix BLOB NOT NULL,
    scale DOUBLE NOT NULL,
    model JSON NOT NULL,
    examples_digest VARCHAR DEFAULT '' NOT NULL,
    PRIMARY KEY (feature, encoder_key),
    FOREIGN KEY(feature) REFERENCES features (name) ON DELETE CASCADE,
    FOREIGN KEY(encoder_key) REFERENCES encoders (encoder_key)
);
INSERT INTO "feature_realisations" VALUES('collar',1,1,2,X'000000002549123E2549923EB76DDB3E2549123F6EDB363F',0.3,'{"quality": {"auc": 0.9}}','14377a176fdc35b5');
CREATE TABLE features (
    name VARCHAR NOT NULL,
    display_name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    dimensions JSON NOT NULL,
    examples JSON NOT NULL,
    etag VARCHAR NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    description VARCHAR DEFAULT '' NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "features" VALUES('collar','Collar','projection','[1, 2]','[["p1", "crew"]]','3',1767225600000000,1767225600000000,'');
CREATE TABLE handled_requests (
    id VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    answer JSON NOT NULL,
    create_time BIGINT NOT NULL,
    PRIMARY KEY (id)
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
INSERT INTO "images" VALUES(1,1,'2d8d693177ac4489','2d8d693177ac44895fc02c009ec3f6af32e51eb00783c17000d7051d1662b93a',300,400,'3d6bd2a45423b179b8f3e969acb0f2ce3184bc9e967da154d950da542c3983d4',1767225600000000);
INSERT INTO "images" VALUES(2,2,'3c482346f3750276','3c482346f375027677fa8a0d6830a32714d4f13f9e94c2d9e215e0ac205ad4e5',300,400,'cdce10aed2a4525d1b79bfac9bb14aa442a500f0853bc6cc95c6f41294eb800c',1767225600000000);
CREATE TABLE kept_inputs (
    sha256 VARCHAR NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (sha256)
);
INSERT INTO "kept_inputs" VALUES('3d6bd2a45423b179b8f3e969acb0f2ce3184bc9e967da154d950da542c3983d4',X'66726F6E74');
INSERT INTO "kept_inputs" VALUES('cdce10aed2a4525d1b79bfac9bb14aa442a500f0853bc6cc95c6f41294eb800c',X'6261636B');
CREATE TABLE operations (
    operation_key INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    request JSON NOT NULL,
    request_id VARCHAR,
    state VARCHAR NOT NULL,
    owner VARCHAR NOT NULL,
    beat BIGINT NOT NULL,
    lost_count INTEGER NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    progress JSON NOT NULL,
    result JSON,
    error JSON,
    create_time BIGINT NOT NULL,
    start_time BIGINT,
    update_time BIGINT NOT NULL,
    end_time BIGINT,
    UNIQUE (id),
    UNIQUE (request_id)
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
INSERT INTO "product_labels" VALUES(1,'colour','red');
INSERT INTO "product_labels" VALUES(2,'colour','red');
CREATE TABLE product_numbers (
    product_key INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    PRIMARY KEY (product_key, name),
    FOREIGN KEY(product_key) REFERENCES products (product_key) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "product_numbers" VALUES(1,'price',9.5);
INSERT INTO "product_numbers" VALUES(2,'price',9.5);
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
INSERT INTO "products" VALUES(1,'p1','Top','top','',NULL,'1',1767225600000000,1767225600000000);
INSERT INTO "products" VALUES(2,'p2','Top','top','s1',4958643428320449706,'1',1767225600000000,1767225600000000);
CREATE TABLE properties (
    name VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "properties" VALUES('schema_version','4');
INSERT INTO "properties" VALUES('active_encoder','e1');
CREATE INDEX products_by_style ON products (style_id);
CREATE INDEX products_by_category ON products (category);
CREATE INDEX ix_changes_sequence ON changes (sequence);
CREATE INDEX ix_handled_requests_create_time ON handled_requests (create_time);
CREATE INDEX operations_by_state ON operations (state);
CREATE INDEX product_labels_by_value ON product_labels (name, value, product_key);
CREATE INDEX product_numbers_by_value ON product_numbers (name, value, product_key);
CREATE INDEX images_by_content ON images (content_sha256);
CREATE INDEX images_by_input ON images (input_sha256);
CREATE INDEX embeddings_by_image ON embeddings (image_key);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('products',3);
INSERT INTO "sqlite_sequence" VALUES('images',3);
COMMIT;
